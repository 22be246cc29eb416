"""`shenguan conform`: plays the hub against a department's own program, in any language, and says what it gets wrong.

It has a key of its own, signs the published examples with it, and hostile messages beside them, over a broker's topics or
over a REST door that it opens, and judges what comes back. Nothing of a real hub is needed; nothing real is touched.
"""
