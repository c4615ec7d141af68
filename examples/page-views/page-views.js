/**
 * Sends a page view when the page is left or hidden, which browsers let a beacon do however the page ends:
 *
 *   <script src="page-views.js" data-to="http://127.0.0.1:8080/v1/topics/web-views/records" defer></script>
 *
 * A beacon's text is one record, byte for byte; no key and no header can go with it, so who views comes in the value.
 */
const { to } = document.currentScript.dataset
const since = Date.now()
let sent = false

document.addEventListener('visibilitychange', () => {
  if (document.visibilityState !== 'hidden' || sent) return
  sent = navigator.sendBeacon(
    to,
    JSON.stringify({
      page: location.pathname,
      referrer: document.referrer,
      language: navigator.language,
      at: new Date(since).toISOString(),
      seconds: Math.round((Date.now() - since) / 1000),
    }),
  )
})
