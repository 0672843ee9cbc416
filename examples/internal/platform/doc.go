// Package platform deploys what is pushed to it: git push over HTTP, build, start,
// health check, switch without a lost request, and drain of the old version. It
// composes all eight libraries:
//
//	receive  gogit         a push is held back until its release is healthy
//	build    gosh, pool    the Procfile's build line, in one of a few build slots
//	run      container     or a plain process where the kernel refuses walls
//	switch   loadbalancer  one pool of endpoints for each app
//	decide   calc          the Procfile's scale rule
//	keep     kvstore       apps, releases, logs
//	log      alloc         rings outside of Go's heap
//
// A push whose build or health check fails is refused with the reason, and the old
// version goes on serving. After a crash the last good release serves again; a
// release is recorded only when it is healthy, so there are no half ones.
package platform
