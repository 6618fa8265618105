package gguftest_test

import (
	"os"
	"testing"

	"perg/models/ollamatest"
)

func TestMain(m *testing.M) { os.Exit(ollamatest.Main(m)) }
