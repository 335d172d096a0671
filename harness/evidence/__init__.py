"""What a run leaves behind: a folder that a sceptical reader can check, written so that it is whole or marked partial.

Staging is private and never listed as a run; every text in it has passed the redactor. A finished bundle lists each of
its files with its hash and is never opened for writing again. Everything that was judged can be judged again from
``events.jsonl``. This package decides no verdict. The doubt that remains: hashes prove that nothing changed after the
end, not that the events were honest.
"""
