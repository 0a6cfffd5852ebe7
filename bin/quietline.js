#!/usr/bin/env node
// The command. Plain JavaScript that any Node reads; what it starts is TypeScript, which Node runs itself from 24 on.
const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  process.stderr.write(
    `quietline: needs Node 24 or newer, this is ${process.versions.node}.\n` +
      'On Linux the right one is installed with the packages: use "npm start". Elsewhere install Node 24 or newer.\n',
  )
  process.exit(1)
}
const { main } = await import('../src/main.ts')
await main(process.argv.slice(2), process.env)
