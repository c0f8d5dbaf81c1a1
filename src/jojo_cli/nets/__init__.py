"""The networks, as `nn.Module`s and nothing else: no file is opened here.

Letters in shape tags: N batch, C channels (I in, O out), H and W pixels, L codes of a generator, D width of a code.
"""
