"""Whether a stored run is what it says: every list, digest and total is made again from the records below it.

It works offline, changes nothing, believes nothing, and treats a bundle as what a stranger may have sent. That the
files fit one another says nothing about who wrote them: that takes a signature.
"""
