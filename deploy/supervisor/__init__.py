"""`hotline up`: starts what is not configured elsewhere, keeps it running, stops it in order."""
