"""What stands in the way of a mail: `Mailer.check` looks without sending anything, and gives a `Report`."""

from smtpkit.diagnose.report import Report, Status, Step, StepName

__all__ = ["Report", "Status", "Step", "StepName"]
