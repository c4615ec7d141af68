/**
 * Which addresses lie in the open internet. Whoever may make subscriptions may send from where the server stands; its own machine,
 * its neighbours and a cloud's metadata service answer there whom they would not answer outside. From IANA's registries of
 * special-purpose addresses (RFC 6890).
 */
import { lookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

// Two lists: one takes an IPv4 address for the IPv6 address that it can be written as.
const notPublic4 = new BlockList()
const notPublic6 = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  notPublic4.addSubnet(network, prefix, 'ipv4')
}
for (const [network, prefix] of [
  // Unspecified, loopback, and IPv4 in IPv6's clothes.
  ['::', 8],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  notPublic6.addSubnet(network, prefix, 'ipv6')
}

/** `address`: an IP address. */
export function isPublic(address: string): boolean {
  return isIP(address) === 6 ? !notPublic6.check(address, 'ipv6') : !notPublic4.check(address, 'ipv4')
}

/** The address that a URL's host is, or undefined where it is a name. */
export function addressIn(url: URL): string | undefined {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  return isIP(host) === 0 ? undefined : host
}

/** Looks a name up for a connection, which goes to the very address that was looked at here. */
export const lookUpPublic: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, '')
    const inside = addresses.find(({ address }) => !isPublic(address))
    if (inside) return callback(new Error(`${hostname} is ${inside.address}, which is no address of the internet`), '')
    if (options.all) return callback(null, addresses)
    callback(null, addresses[0]!.address, addresses[0]!.family)
  })
}
