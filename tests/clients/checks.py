"""Counts what a suite finds right and wrong, a line a check, and ends it with the sums that run.py reads."""
import sys
import traceback


class Checks:
    def __init__(self):
        self.good, self.bad = 0, 0

    def true(self, what, right, detail=""):
        if right:
            self.good += 1
            print(f"ok   {what}", flush=True)
        else:
            self.bad += 1
            print(f"FAIL {what}\n     {str(detail)[-1500:]}", flush=True)

    def equal(self, what, got, want):
        self.true(what, got == want, f"got  {str(got)[:600]}\n     want {str(want)[:600]}")

    def steps(self, *steps):
        """Runs one step after the other; one that breaks is a check that failed."""
        for step in steps:
            try:
                step()
            except Exception as error:  # whatever a client throws is a finding
                traceback.print_exc()
                self.true(step.__name__, False, repr(error))

    def finish(self, suite):
        """Prints the sums and leaves; a suite that checked nothing has failed."""
        print(f"{suite}: {self.good} passed, {self.bad} failed")
        sys.exit(1 if self.bad or not self.good else 0)
