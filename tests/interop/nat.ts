/**
 * A phone behind a router that translates addresses, in network namespaces: this machine is the internet (203.0.113.10), one
 * namespace the router, one the home behind it (RFC 5737 and RFC 1918 addresses). Needs root; all of it is gone at `close`.
 */

import { execFileSync } from 'node:child_process'
import { lacking } from './tools.ts'

/** Ours, as the phone sees it. */
export const PUBLIC_ADDRESS = '203.0.113.10'
const ROUTER_OUTSIDE = '203.0.113.1'
const ROUTER_INSIDE = '192.168.77.1'
export const PHONE_ADDRESS = '192.168.77.20'

export interface Nat {
  /** Namespace of the phone: `ip netns exec <home> …`. */
  readonly home: string
  close(): void
}

/** @returns false, or why it cannot be built here: the form `node:test` takes for `skip` */
export function noNat(): string | false {
  const missing = lacking('ip', 'iptables')
  if (missing) return missing
  if (process.getuid?.() !== 0) return 'network namespaces need root'
  try {
    const probe = name('probe')
    ip('netns', 'add', probe)
    ip('netns', 'del', probe)
    return false
  } catch {
    return 'this kernel gives no network namespaces'
  }
}

export function openNat(): Nat {
  const [router, home] = [name('router'), name('home')]
  // At most 15 characters.
  const [outer, inner] = [`qlo${process.pid}`, `qli${process.pid}`]
  const within = (namespace: string, ...args: string[]): void => ip('netns', 'exec', namespace, ...args)
  const close = (): void => {
    for (const namespace of [home, router]) quietly('netns', 'del', namespace)
    quietly('link', 'del', outer)
  }
  try {
    for (const namespace of [router, home]) {
      ip('netns', 'add', namespace)
      within(namespace, 'ip', 'link', 'set', 'lo', 'up')
    }
    ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', 'outside', 'netns', router)
    ip('address', 'add', `${PUBLIC_ADDRESS}/24`, 'dev', outer)
    ip('link', 'set', outer, 'up')
    within(router, 'ip', 'address', 'add', `${ROUTER_OUTSIDE}/24`, 'dev', 'outside')
    within(router, 'ip', 'link', 'set', 'outside', 'up')
    within(router, 'ip', 'link', 'add', inner, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', home)
    within(router, 'ip', 'address', 'add', `${ROUTER_INSIDE}/24`, 'dev', inner)
    within(router, 'ip', 'link', 'set', inner, 'up')
    within(home, 'ip', 'address', 'add', `${PHONE_ADDRESS}/24`, 'dev', 'eth0')
    within(home, 'ip', 'link', 'set', 'eth0', 'up')
    within(home, 'ip', 'route', 'add', 'default', 'via', ROUTER_INSIDE)
    within(router, 'sysctl', '-qw', 'net.ipv4.ip_forward=1')
    // Ports of its own choice, as most routers of carriers do: what a phone believes of itself is wrong in every way.
    within(router, 'iptables', '-t', 'nat', '-A', 'POSTROUTING', '-o', 'outside', '-j', 'MASQUERADE', '--random')
    return { home, close }
  } catch (cause) {
    close()
    throw cause
  }
}

function name(of: string): string {
  return `quietline-${of}-${process.pid}`
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}

function quietly(...args: string[]): void {
  try {
    ip(...args)
  } catch {
    // It was not there.
  }
}
