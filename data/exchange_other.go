//go:build !linux

package data

import "errors"

// exchange would swap what two paths name, in one step.
func exchange(a, b string) error { return errors.ErrUnsupported }
