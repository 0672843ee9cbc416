// Package integration holds the tests that look at the whole repository: the
// rules of the house, and what the modules do together.
package integration
