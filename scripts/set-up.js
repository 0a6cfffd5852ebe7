// Installs what `npm start` (mode `run`) and `npm test` (mode `dev`) need, once: a stamp of the lock file and the mode
// skips it the next time. Plain JavaScript for Node 20: it runs before the pinned Node is there.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const stampFile = `${root}node_modules/.quietline-set-up`
const mode = process.argv[2] === 'dev' ? 'dev' : 'run'
const lock = createHash('sha256')
  .update(readFileSync(`${root}package-lock.json`))
  .digest('hex')

function stamped() {
  if (!existsSync(stampFile)) return null
  const [stampedLock, stampedMode] = readFileSync(stampFile, 'utf8').trim().split(' ')
  return stampedLock === lock ? stampedMode : null
}

function install(args) {
  const began = Date.now()
  process.stderr.write(
    `quietline: installing ${mode === 'dev' ? 'with' : 'without'} development tools, a minute the first time `,
  )
  const dots = setInterval(() => process.stderr.write('.'), 2000)
  return new Promise((resolve) => {
    const npm = spawn('npm', [...args, '--loglevel=error', '--no-audit', '--no-fund'], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
      shell: process.platform === 'win32',
      // What an outer npm was asked for is not meant for this one.
      env: Object.fromEntries(
        Object.entries(process.env).filter(
          ([name]) => !/^npm_(config_omit|config_include|command|lifecycle)/.test(name),
        ),
      ),
    })
    npm.on('error', (error) => {
      clearInterval(dots)
      process.stderr.write(`\nquietline: npm could not be started: ${error.message}\n`)
      resolve(1)
    })
    npm.on('exit', (code) => {
      clearInterval(dots)
      process.stderr.write(code === 0 ? ` done in ${Math.round((Date.now() - began) / 1000)} s\n` : '\n')
      resolve(code ?? 1)
    })
  })
}

const have = stamped()
if (have === 'dev' || have === mode) process.exit(0)
// With a server perhaps running from this folder, what is installed stays where it is and the rest is added.
const args = have === 'run' ? ['install', '--no-save'] : ['ci', ...(mode === 'run' ? ['--omit=dev'] : [])]
const code = await install(args)
if (code !== 0) {
  process.stderr.write(
    'quietline: the packages could not be installed. Is the npm registry reachable? Details are above.\n',
  )
  process.exit(code)
}
writeFileSync(stampFile, `${lock} ${mode}\n`)
