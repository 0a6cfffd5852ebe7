/** Which programs of others are on this machine, and free ports for them. A missing one skips its tests, aloud. */

import { execFileSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { accessSync, constants } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'

export const HERE = '127.0.0.1'
/** The system's own Python, which apt's modules belong to. */
export const PYTHON = '/usr/bin/python3'

/** @returns false, or why a test that needs these programs cannot run: the form `node:test` takes for `skip` */
export function lacking(...programs: readonly string[]): string | false {
  const missing = programs.filter((program) => !isInstalled(program))
  return missing.length === 0 ? false : `not installed here: ${missing.join(', ')}`
}

/** As `lacking`, for modules of the system's Python. */
export function lackingPython(...modules: readonly string[]): string | false {
  try {
    execFileSync(PYTHON, ['-c', modules.map((name) => `import ${name}`).join('\n')], { stdio: 'ignore' })
    return false
  } catch {
    return `${PYTHON} lacks one of: ${modules.join(', ')}`
  }
}

function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(path.delimiter).some((folder) => {
    try {
      accessSync(path.join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

export function isTcpPortFree(port: number, address: string = HERE): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, address, () => server.close(() => resolve(true)))
  })
}

function isUdpPortFree(port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  return new Promise((resolve) => {
    socket.once('error', () => resolve(false))
    socket.bind(port, HERE, () => socket.close(() => resolve(true)))
  })
}

/** Ports that phones of this suite try, apart from those of the server's sound and of the system's own choice. */
const FIRST_PORT = 27_000
const LAST_PORT = 27_990
const STEP = 10
let nextPort = FIRST_PORT + STEP * (process.pid % 50)

/** @returns the first of ten neighbouring ports, of which the first two are free for UDP and TCP */
export async function freePorts(): Promise<number> {
  for (let tries = 0; tries < (LAST_PORT - FIRST_PORT) / STEP; tries++) {
    const port = nextPort
    nextPort = nextPort + STEP > LAST_PORT ? FIRST_PORT : nextPort + STEP
    const free = await Promise.all([port, port + 1].flatMap((one) => [isTcpPortFree(one), isUdpPortFree(one)]))
    if (free.every(Boolean)) return port
  }
  throw new Error('no free ports for a phone')
}
