module github.com/seed-922467ee/instagram/examples/weblogin/browsertest

go 1.26.0

require (
	github.com/chromedp/chromedp v0.23.0
	github.com/seed-922467ee/instagram v0.0.0
	github.com/stretchr/testify v1.12.1
)

replace github.com/seed-922467ee/instagram => ../../..
