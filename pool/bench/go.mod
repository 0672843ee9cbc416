module github.com/groundwork-go/groundwork/pool/bench

go 1.26.0

require (
	github.com/groundwork-go/groundwork/pool v0.1.0
	github.com/jackc/puddle/v2 v2.2.3
	github.com/jolestar/go-commons-pool/v2 v2.1.2
	golang.org/x/sync v0.24.0
)

replace github.com/groundwork-go/groundwork/pool => ../
