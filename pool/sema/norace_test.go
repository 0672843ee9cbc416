//go:build !race

package sema_test

const raceEnabled = false
