"""The command line of program.ts, for programs in Python."""

import sys
import threading
import traceback


def run_cases(cases):
    """`cases`: name -> function(bootstrap, parameter), which raises where the server does not do as it should."""
    first, *names = sys.argv[1:]
    if first == "--list":
        print("\n".join(cases))
        return
    for full in names:
        name, _, parameter = full.partition(":")
        try:
            cases[name](first, parameter)
            print(f"PASS {full}", flush=True)
        except Exception as error:
            traceback.print_exc()
            why = " ".join(f"{type(error).__name__} {error}".split())
            print(f"FAIL {full}: {why}", flush=True)
    sys.exit(0)


def restart_server():
    """Asks for kill -9 and a new start of the server; the event is set when it is back."""
    back = threading.Event()

    def wait():
        sys.stdin.readline()
        back.set()

    print("RESTART", flush=True)
    threading.Thread(target=wait, daemon=True).start()
    return back
