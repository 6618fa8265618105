package models

import (
	"os"
	"path/filepath"
)

// Store is the folder of the models of servers that perg starts; "" where it
// cannot be told.
func Store() Folder {
	if dir := os.Getenv("OLLAMA_MODELS"); dir != "" {
		return Folder(dir)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return Folder(filepath.Join(home, ".ollama", "models"))
}
