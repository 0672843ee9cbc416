module github.com/groundwork-go/groundwork/examples

go 1.26.0

require (
	github.com/groundwork-go/groundwork/alloc v0.1.0
	github.com/groundwork-go/groundwork/calc v0.1.0
	github.com/groundwork-go/groundwork/container v0.1.0
	github.com/groundwork-go/groundwork/gogit v0.1.0
	github.com/groundwork-go/groundwork/gosh v0.1.0
	github.com/groundwork-go/groundwork/kvstore v0.1.0
	github.com/groundwork-go/groundwork/loadbalancer v0.1.0
	github.com/groundwork-go/groundwork/pool v0.1.0
	github.com/stretchr/testify v1.12.1
	golang.org/x/mod v0.42.0
	golang.org/x/term v0.47.0
	golang.org/x/tools v0.52.0
)

require (
	github.com/opencontainers/runtime-spec v1.3.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
