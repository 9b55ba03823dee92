module github.com/seed-922467ee/instagram

go 1.26.0

require (
	github.com/google/go-querystring v1.2.0
	golang.org/x/oauth2 v0.37.0
)

require (
	github.com/stretchr/testify v1.12.1
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)
