/** The command line: reads what is asked for, starts it, says what a person needs to know, stops it on a signal. */

import { ConfigError, readConfig } from './config.ts'

type Environment = Readonly<Record<string, string | undefined>>

const HELP = `quietline: your agent never touches audio

  quietline start     starts the server (npm start)
  quietline demo      plays a whole call with a simulated caller and says how fast it was (npm run demo)
  quietline doctor    tries the server that runs here, says what works and what to change
  quietline drain     takes no new calls on the server of this data folder; those that are up go on
  quietline help      this text

Settings are environment variables, listed in the README.
`

export async function main(args: readonly string[], env: Environment): Promise<void> {
  const [command = 'start'] = args
  try {
    if (command === 'start') return await start(env)
    if (command === 'demo') {
      const { runDemo } = await import('./demo/run.ts')
      process.exitCode = await runDemo()
      return
    }
    if (command === 'doctor') {
      const { runDoctor } = await import('./doctor/run.ts')
      process.exitCode = await runDoctor(readConfig(env))
      return
    }
    if (command === 'drain') {
      const { askToDrain } = await import('./operator.ts')
      process.exitCode = await askToDrain(readConfig(env), args.slice(1))
      return
    }
    process.stdout.write(HELP)
    process.exitCode = command === 'help' || command === '--help' ? 0 : 2
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause
    process.stderr.write(`quietline: ${cause.message}\n`)
    process.exitCode = 1
  }
}

async function start(env: Environment): Promise<void> {
  const config = readConfig(env)
  const { startNode } = await import('./node.ts')
  const { greeting } = await import('./greeting.ts')
  const began = performance.now()
  process.stderr.write('quietline: starting …\n')
  const node = await startNode(config)
  process.stdout.write(greeting(node, config, performance.now() - began))
  let isStopping = false
  const stop = (): void => {
    if (isStopping) process.exit(1)
    isStopping = true
    process.stderr.write('\nquietline: stopping\n')
    void node.close().then(() => process.exit(0))
  }
  process.on('SIGINT', stop)
  let isDraining = false
  process.on('SIGHUP', () => node.reload())
  process.on('SIGTERM', () => {
    if (isDraining || config.drainMs === 0) return stop()
    isDraining = true
    void node.drain(config.drainMs).then(stop)
  })
}
