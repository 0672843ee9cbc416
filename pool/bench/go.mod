module github.com/groundwork-go/groundwork/pool/bench

go 1.26.0

require (
	github.com/alitto/pond/v2 v2.7.1
	github.com/groundwork-go/groundwork/pool v0.1.0
	github.com/jackc/puddle/v2 v2.2.3
	github.com/jolestar/go-commons-pool/v2 v2.1.2
	github.com/panjf2000/ants/v2 v2.12.1
	github.com/sourcegraph/conc v0.3.0
	github.com/valyala/bytebufferpool v1.0.0
	golang.org/x/sync v0.24.0
)

require (
	go.uber.org/atomic v1.7.0 // indirect
	go.uber.org/multierr v1.9.0 // indirect
)

replace github.com/groundwork-go/groundwork/pool => ../
