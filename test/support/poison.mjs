// Loaded into a relay by NODE_OPTIONS=--import: makes reading one answer deadly, as a bug of an engine or a native
// module would be. In a thread only the thread dies.
import { isMainThread } from 'node:worker_threads'

const parse = JSON.parse
JSON.parse = (text, ...rest) => {
  if (String(text).startsWith('{"poison"')) {
    if (isMainThread) process.abort()
    process.exit(7)
  }
  return parse(text, ...rest)
}
