module github.com/seed-922467ee/instagram

go 1.26

require (
	github.com/google/go-querystring v1.2.0
	github.com/stretchr/testify v1.12.1
	golang.org/x/oauth2 v0.37.0
)
