package schedule

// Fits says whether a job fits on any set of some devices.
func Fits(devices []Device, j Job) bool { return newPolicy(devices).home(j).width > 0 }
