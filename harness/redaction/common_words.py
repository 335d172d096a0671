"""Words of eight characters and more that nobody should use as a secret, and that a redactor must not tear apart.

The first thing they are is frequent: words of technical prose, of everyday English and of the usual lists of weak
passwords. It decides nothing. The doubt: no list is complete; a rarer word passes, and is then masked wherever it
stands.
"""

from __future__ import annotations

from typing import Final

_TEXT: Final = """
01234567 0123456789 11223344 12345678 123456789 1234567890 1q2w3e4r 1qaz2wsx 20202020 87654321 aaaa1111 abc12345
abcd1234 abcdefgh abracadabra absolute abstract acceptance accepted accessed accesses accessible accessing accessors
accompanied accompanies accompany accompanying according accordingly acquired activities actually addition
additional addressed adjacent admin123 admin1234 adminadmin administrador administrator adventure affected affirmer
aggregate aggregation agreement airplane alexander algorithm alignment alleging allowing alongside alternate
alternative alternatively alternatives although amazing1 ambiguity amsterdam annotated annotation annotations
announcement anonymous answers1 anything anywhere api-key-here appearing appendix applicable application applications
approach appropriate appropriately arbitrary argentina argument arguments arithmetic arrangement arrangements
asdfghjkl assigned assigning assignment assignments associated assumptions asterisk asynchronous attached attempted
attempting attempts attribute attributes attribution auditing augmented australia authorization
authorized authorizes authorship automatic automatically automobile available background backslash backslashes
backyard barcelona baseball baseball1 basketball bathroom batterystaple beautiful bedroom1 beginning behavior
behaviour benjamin bindings biology1 birthday blueberry boundaries boyfriend brackets breaking breakpoint breakpoints
brilliant brooklyn building builtins business butterfly bypassed bytearray bytecode cafebabe calculated california
callable carefully caroline category centered cessation chaining champagne champion champions change-me changeme
changeme1 changeme123 changethis changing character characters checkers checking cheesecake chemistry children
chocolate christopher cinnamon circumstances circumvention classmethod classroom coefficient coercion
collaboration collected collection collections college1 combination combined combining commands commercial
commercially commitment commonly communication compared compares comparing comparison comparisons compatibility
compatible compensation compilation compiled compiler complete compliance compliant component components composed
compound comprehension comprehensions computed computer computer1 concatenating concatenation concerning concerns
condition conditional conditions conflict confusion connection consequence consider considered consistency consistent
consisting consists conspicuously constant constantly constitute constitutes constructed construction constructor
constructs construed consumer contained container containers containing contains contents contexts continue continues
contract contractual contradict contrast contribute contribution contributions contributor contributors controlled
controls convenient convention conventional conversion conversions converted converts conveyed conveying coordinates
copyleft copyright copyrightable copyrighted coroutine coroutines corporation correcthorse correcthorsebatterystaple
correctly correctness corresponding corresponds corridor corvette countries coverage cowboys1 creating creation
creative criterion crystal1 currently customarily customer customization customize customized customizing database
daughter deadbeef debugged debugger debugging december decision declaration declarations declared decorated decorator
decorators dedications defaulting defaults defining definition definitions defparameter delegation deletion deletions
dependent depending deprecated derivative derivatives describe described describes describing description descriptions
descriptor descriptors designate designated designed desirable destroyed destructor detailed detected detection
determine determined determines determining developer developers development diamonds dictionaries dictionary
difference different differently dinosaur directing direction directive directly directory discarded
disclaimer disclaimers disclaiming disclaims discovery discriminatory discussed displayed displays distinct
distinction distinguishing distribute distributed distributes distributing distribution distributors division
docstring document documentation documented documents dolphins download downstream dragon12 dragonfly dummy-key
dummykey duplicate duration dynamically edinburgh effective effectively efficient electronic elements elephant
elevator eligible elizabeth ellipsis elsewhere embodied employer emulating encapsulated enclosed enclosing encoding
encyclopedia endorsements enforcing engineer engineering entering entirely entities entitled entrance environment
equality equivalent especially essential established evaluate evaluated evaluates evaluating evaluation evaluations
everybody everyone example-key example-token example1 examples exception exceptional exceptions exchange exclamation
excluded excluding exclusion exclusive exclusively executable executables executed executes executing execution
exercise exercising existing expectation expected explained explaining explicit explicitly explorer exponent expressed
expressing expression expressions expressly extended extension extensions external extracted facilities facility
fake-key fallback fantastic farmhouse features february ferrari1 filename floating floatnumber followed
following football football1 footnotes forgotten formally formatted formatter formatters formatting foundation
franklin freedom1 freedoms frozenset function functions functools furniture generally generate generated generator
geography girlfriend gnomovision gorgeous governed government grandfather grandmother greatest greenhouse
grouping guarantee guaranteed guarantees guitar12 hamburger handlers handling happened happiness hardware harley12
hashable hierarchy highschool historical homework horsebattery hospital hunter22 hurricane hypothetical identical
identifiable identified identifier identifiers identify identities identity iloveyou imaginary immediate immediately
immutable implement implementation implemented implementing implements implication implicit implicitly important
imported importing impossible improper included includes including inclusion incompatible incorporate incorporated
incorporates incorporating incorrectly incurred indemnify indemnity independent indicate indicated indicates
indicating indirect indirectly individual individually individuals infinite informal information infringe infringed
infringement infringes inheritance inheriting inherits initialization initialized initializing initiate
insert-key-here inserted inserting insertion installation installed instance instances instruction instructions
integers integral intellectual intended intentional interaction interactive interactively interchange interest
interface interfaces internal internet interpretation interpreted interpreter intrinsic introduced introduces
introducing intuitive invariant invocation invocations invoking involved involving irrefutable irrevocable isolation
iterable iterables iterated iterating iteration iterator jennifer jonathan judgment jurisdiction keyboard keywords
kitchen1 knowingly knowledge language latitude learning letmein1 letmein123 letmeinn liability libraries licensable
licensed licensee licensees licenses licensing licensor licensors lighthouse lightning likewise limitation limitations
limiting literals litigation liverpool localhost location longitude lowercase magazine maintain managers manchester
mappings marriage marvelous matching material materials mathematical mathematics maxsplit meaningful measures
mechanism melodies membership mentioned mercedes messages metaclass metaclasses michael1 midnight military minister
modification modifications modified modifies modifying monkey12 moonlight moreover motivation motorcycle mountain
mountains multiauthor multiple multiplication musician mustangs mutability mysecret mysecretpassword namespace
namespaces necessarily necessary negation negative neighbor netscape newspaper nicholas nobody12 nonlocal normally
not-a-secret notasecret notation nothing1 notifies november nowhere1 numbered numbering numerical obligations
obtained occurred occurrence occurrences occurring offering official opensesame operands operates operating operation
operations operator operators optimization optional optionally orchestra ordering ordinary organization organizations
original originally otherwise overridden override overrides overriding ownership p@ssw0rd p@ssword panthers paradise
paragraph paragraphs parameter parameterized parameters parentheses parenthesized participant particular passport
passw0rd password password1 password12 password123 passwords patricia patterns performance performed performing
performs permanently permission permissions permissive permitted personal pertinent philosophy phoenix1 physical
physics1 placeholder pokemon1 porsche1 portions portugal position positional positions positive possesses
possession possible possibly postgres postgresql postpone postponed powerful practice practices preamble preceded
precedence preceding precisely precision predator predecessor preferred prefixed prepared presence presentation
presented preserve preserved preserves preserving president previous previously primaries princess princess1 principal
printable printing priority problems proceeds processed processing processors produced produces products professor
programmer programs prohibit prohibited prohibiting prominent promoting propagate propagated propagation properly
properties property proposal proposed proprietary protecting protection protocol protocols provided provides providing
provision provisionally provisions psychology publicity publicly published publisher purposes qualified question
qwerty123 qwertyui qwertyuiop rainbow1 readable reasonable reasonably received receives receiving recipient recipients
recognized recommend recommended recursively redacted redistribute redistributing redistribution redskins reference
referenced references referred referring reflected reflection regarding regardless registered regulation reinstated
relating relationship relative released relevant relicensing remainder remaining remember removing repeated repetition
replace-me replaced replaceme replacement replacing represent representation represented representing represents
reproduce reproducing republish requested required requirement requirements requires requiring reserved resolution
resolved resolving resource resources respectively respects responsibility responsible restaurant restrict restricted
restriction restrictions restrictive resulting retrieve retrieved retrieving returned returning reversed rootroot
samantha sandwich saturday scientific scientist scorpion scotland searched searching secondarily secondary secret123
secretkey secrets1 sections security selected semantically semantics sensitive separate separated separately
separating separator september sequence sequences shadow12 shifting shorthand signature significant similarly simplest
simultaneously singapore singleton singletons situations slicings slightly snowball snowflake softball software
somebody something sometime sometimes somewhere spacious specially specific specifically specification specified
specifiers specifies specifying spiderman splitting staircase standalone standard starlight starting starwars
statement statements statically steelers stephanie stopping stranger strawberry strictly stripped structural structure
subclass subclasses subclassing sublicense submitted subpattern subpatterns subprograms subroutines subscript
subscripted subscripting subscription subsection subsequent subsequently substance substantial substantially
substituted substring succeeds successful sufficient suitable sunlight sunshine sunshine1 superman supersecret
superuser supplement supplied supported supporting supports suppress suppressed surrender surrounded surrounding
swimming symphony syntactic syntactically teaching technological telephone television temporarily temporary terminate
terminated terminates termination test-key test-token test1234 testing1 testtest testtoken textbook textually
themselves therefore thinking thousands threatened thursday titlecase together tomorrow topsecret traceback tracebacks
trademark trademarks trailing transaction transfer transferring transformation transformed translate translated
translates translation translations transmission transparent traveler treasure trustno1 tutorial typically umbrella
unacceptable unaffected unaltered unavailable unchangeable unchanged uncombined undefined underlying underscore
underscores understand understands understood unenforceable unexpected unfilled unhashable unicodedata university
unlimited unmodified unnecessary unpacking unpackings unreachable uppercase username validity variable variables
verbatim veronica versions vertical victoria violation virginia volleyball wanderer warehouse warranties warranty
warriors washington wednesday welcome1 whatever whatsoever whenever whitespace wildcard wildcats wireless wisdom12
wonderful worldwide writable yankees1 yesterday your-api-key your-api-key-here your-key-here your-secret your-token
your_api_key your_token yourapikey yoursecret yourself zxcvbnm1
"""

COMMON_WORDS: Final = frozenset(_TEXT.split())
