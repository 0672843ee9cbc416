package kvstore

// ParseReply is for tests of sessions.
func ParseReply(b []byte) Reply {
	r, _ := parseReply(b)
	return r
}

// DocNames are the commands that there is documentation of.
func DocNames() (names []string) {
	for name := range parseDocs(commandDocsText) {
		names = append(names, name)
	}
	return names
}
