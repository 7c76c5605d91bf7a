"""`email-opens watch --once` beside other clients of such a feed, each as whole processes.

`make bench-peers`, or `python -m bench.peers [--quick]`, prints what each takes and what each
loses.

- `clients/`: the others, each configured as its own documentation recommends, and why
- `requirements.in`: their versions; they are installed in `.peers`, an environment of their own
- `contenders`: how each client is started, and where its output and its state are
- `processes`, `launcher`: runs of a client, and what they took
- `emulator`: the vendor, a process of its own on another processor
- `costs`: a first read and idle polls; `worlds`, `losses`: worlds in which clients lose and repeat
- `counting`: opens lost and repeated
- `tables`: the results as Markdown
"""
