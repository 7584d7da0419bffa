/** The result of work if it ends within limitMs, else what onLate returns or throws. The work itself goes on. */
export async function within<T>(limitMs: number, work: Promise<T>, onLate: () => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, limitMs, 'late')
  })
  try {
    const first = await Promise.race([work.then((value) => ({ value })), late])
    return first === 'late' ? onLate() : first.value
  } finally {
    clearTimeout(timer)
  }
}
