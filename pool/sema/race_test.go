//go:build race

package sema_test

const raceEnabled = true
