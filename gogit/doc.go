// Package gogit reads and writes Git repositories and speaks smart HTTP, without
// the git program.
//
//	repo, err := gogit.Clone(ctx, "http://host/project.git", "project", nil)
//	if err != nil {
//		return err
//	}
//	defer repo.Close()
//	id, err := repo.Resolve("HEAD")
//	commit, err := repo.Commit(id)
//
// Package server is the other side: an http.Handler that git clones from, fetches
// from and pushes to.
//
// # Guarantees
//
//   - Formats are git's own: git and gogit may use a repository side by side.
//   - Objects from others are checked against their names; malformed ones give an
//     error, never a panic, and memory is bounded.
//   - A ref changes by git's lock file and only from the value that it is thought
//     to have. Files are put into place whole, and synced.
//   - A Repository may be used by many goroutines at once.
//
// # Limits
//
// SHA-1 repositories, refs in files, protocol version 0 over HTTP. Packs that are
// written hold whole objects, no deltas. There is no index, no merge, no diff.
package gogit
