// Runs the steps of the Dockerfile without a container engine: each stage is this machine's own system with a layer of
// files on top (overlayfs, chroot), in which COPY and RUN are done; then the last stage's command is started, asked by
// its health check, and stopped. Needs root and Linux; else it only checks that every COPY finds its files.
// What it can not show: what the base image lacks that this machine has.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseDockerfile, parseEnv } from './parse-dockerfile.js'

const context = fileURLToPath(new URL('..', import.meta.url))
const HEALTHY_MS_MAX = 60_000
const STEP_MS_MAX = 600_000
const IN_NAMESPACE = '--in-namespace'
const say = (line) => process.stdout.write(`${line}\n`)

/** All mounts are made in a namespace of their own and gone with it: what is removed afterwards are empty folders. */
function enterNamespace() {
  const dir = mkdtempSync(join(tmpdir(), 'check-dockerfile-'))
  const itself = [process.execPath, fileURLToPath(import.meta.url), IN_NAMESPACE, dir]
  const { status } = spawnSync('unshare', ['--mount', '--propagation', 'private', ...itself], {
    stdio: 'inherit',
  })
  // Without the namespace this would reach through the mounts into the running system, so not even recursively.
  rmdirSync(dir)
  return status ?? 1
}

function canMount() {
  if (process.platform !== 'linux' || process.getuid() !== 0) return false
  return spawnSync('unshare', ['--mount', 'true']).status === 0
}

function readStages() {
  return parseDockerfile(readFileSync(join(context, 'Dockerfile'), 'utf8'))
}

function checkSources() {
  for (const { steps } of readStages())
    for (const step of steps)
      if (step.op === 'COPY' && !step.flags.from) for (const path of sourcesOf(step)) find(path)
  say('The sources of every COPY are there. RUN steps were not run: that takes root on Linux.')
}

const sourcesOf = ({ args }) => args.split(/\s+/).slice(0, -1)

function find(path) {
  const file = join(context, path)
  if (!existsSync(file)) throw new Error(`COPY: there is no ${path}`)
  if (isIgnored(path)) throw new Error(`COPY: .dockerignore leaves out ${path}`)
  return file
}

function isIgnored(path) {
  const lines = readFileSync(join(context, '.dockerignore'), 'utf8').split('\n')
  return lines.includes(relative('.', path))
}

async function runAll(dir) {
  run('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', dir])
  const built = new Map()
  for (const [index, stage] of readStages().entries()) {
    const name = stage.name || `stage-${index}`
    say(`FROM ${stage.from} (${name})`)
    built.set(name, buildStage(join(dir, name), stage, built))
  }
  await tryLast([...built.values()].at(-1))
  say('Every step of the Dockerfile works.')
}

/** The state that the steps of one stage leave: where its files are, and how its programs run. */
function buildStage(dir, stage, built) {
  const root = mountLayer(dir)
  const state = {
    root,
    env: baseEnvironment(),
    workdir: '/',
    user: null,
    cmd: null,
    health: null,
    volumes: [],
  }
  addUserOf(stage.from, state)
  for (const step of stage.steps) {
    say(`  ${step.op} ${step.args.slice(0, 100)}`)
    STEPS[step.op](step, state, built)
  }
  return state
}

function mountLayer(dir) {
  const [upper, work, root] = ['upper', 'work', 'root'].map((name) => join(dir, name))
  for (const folder of [upper, work, root]) mkdirSync(folder, { recursive: true })
  run('mount', ['-t', 'overlay', 'overlay', '-o', `lowerdir=/,upperdir=${upper},workdir=${work}`, root])
  for (const folder of ['proc', 'dev']) run('mount', ['--rbind', `/${folder}`, join(root, folder)])
  return root
}

/** How this machine reaches the registry; an engine has its own settings for that. */
const NETWORK = /^(https?_proxy|no_proxy|node_extra_ca_certs|ssl_cert_(file|dir))$/i

/** Node as the base image has it: this script's own, first in PATH. */
const baseEnvironment = () => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => NETWORK.test(name))),
  PATH: `${dirname(process.execPath)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
  HOME: process.env.HOME ?? '/root',
})

/** The base image `node` brings a user of that name. */
function addUserOf(from, state) {
  if (!from.startsWith('node:')) return
  const command = 'id node >/dev/null 2>&1 || useradd --create-home --shell /bin/bash node'
  inside(state, ['sh', '-c', command])
}

const STEPS = {
  WORKDIR({ args }, state) {
    state.workdir = args
    mkdirSync(join(state.root, args), { recursive: true })
  },
  ENV({ args }, state) {
    Object.assign(state.env, parseEnv(args))
  },
  COPY(step, state, built) {
    const from = step.flags.from === undefined ? null : built.get(step.flags.from)
    if (from === undefined) throw new Error(`COPY: there is no stage ${step.flags.from}`)
    const target = step.args.split(/\s+/).at(-1)
    const folder = join(state.root, target.startsWith('/') ? target : join(state.workdir, target))
    for (const path of sourcesOf(step))
      copy(from === null ? find(path) : join(from.root, path), folder, target)
  },
  RUN({ args }, state) {
    inside(state, ['sh', '-c', `cd ${state.workdir} && ${args}`])
  },
  USER({ args }, state) {
    state.user = args
  },
  VOLUME({ args }, state) {
    if (!existsSync(join(state.root, args))) throw new Error(`VOLUME: there is no ${args}`)
  },
  EXPOSE({ args }, state) {
    if (state.env.PORT !== args) throw new Error(`EXPOSE ${args} is not PORT ${state.env.PORT}`)
  },
  HEALTHCHECK({ json }, state) {
    state.health = json
  },
  CMD({ json }, state) {
    state.cmd = json
  },
}

function copy(source, folder, target) {
  const isFolder = target.endsWith('/') && !source.endsWith('node_modules')
  cpSync(source, isFolder ? join(folder, source.split('/').at(-1)) : folder, {
    recursive: true,
    verbatimSymlinks: true,
    preserveTimestamps: true,
  })
}

const chroot = ({ root, user }) => ['chroot', ...(user === null ? [] : [`--userspec=${user}:${user}`]), root]

function inside(state, command) {
  const [program, ...args] = [...chroot(state), ...command]
  run(program, args, { env: state.env, cwd: '/' })
}

function run(program, args, options = {}) {
  const { status, error } = spawnSync(program, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: STEP_MS_MAX,
    ...options,
  })
  if (status !== 0) throw error ?? new Error(`${program} ${args.join(' ')} ended with status ${status}`)
}

/** Starts CMD as the image does (but for the address, which stays this machine's own), and stops it when it is healthy. */
async function tryLast(state) {
  if (state.cmd === null || state.health === null)
    throw new Error('The last stage has no CMD or no HEALTHCHECK.')
  if (state.env.HOST !== '0.0.0.0') throw new Error('HOST must be 0.0.0.0, or nobody reaches the relay.')
  const env = { ...state.env, HOST: '127.0.0.1', PORT: process.env.CHECK_PORT ?? '18987' }
  const shell = `cd ${state.workdir} && exec "$@"`
  const [program, ...prefix] = chroot(state)
  const launch = (command) =>
    spawn(program, [...prefix, 'sh', '-c', shell, 'sh', ...command], { env, cwd: '/', stdio: 'inherit' })
  say(`  starting ${state.cmd.join(' ')}`)
  const child = launch(state.cmd)
  try {
    await untilHealthy(child, () => launch(state.health))
    say('  healthy; stopping')
    child.kill('SIGTERM')
    const [status] = await once(child, 'exit')
    if (status !== 0) throw new Error(`The command ended with status ${status} on SIGTERM.`)
  } finally {
    if (child.exitCode === null) child.kill('SIGKILL')
  }
}

async function untilHealthy(child, ask) {
  const endsAt = performance.now() + HEALTHY_MS_MAX
  while (performance.now() < endsAt) {
    if (child.exitCode !== null) throw new Error(`The command ended with status ${child.exitCode}.`)
    const [status] = await once(ask(), 'exit')
    if (status === 0) return
    await wait(500)
  }
  throw new Error('The health check did not pass within a minute.')
}

if (!canMount()) checkSources()
else if (process.argv[2] === IN_NAMESPACE) await runAll(process.argv[3])
else process.exit(enterNamespace())
