// This file is empty on purpose: it lets procid.go declare functions whose
// bodies are in the runtime.
