// Package page looks at the page that a browser comes back to with a real browser: Chromium, driven by Playwright, with
// axe-core as the judge of its accessibility. It has tests alone.
package page
