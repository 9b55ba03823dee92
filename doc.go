// Package instagram signs people in with Instagram or Facebook, keeps their
// access tokens alive, and makes Instagram Graph API calls signed with them.
package instagram
