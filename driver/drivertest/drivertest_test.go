package drivertest

import (
	"testing"

	"matrixos/driver"
)

func TestPlain(t *testing.T) {
	Run(t, func(_ *testing.T, s Scenario) driver.Entry { return Plain(s) })
}
