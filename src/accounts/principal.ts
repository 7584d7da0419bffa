export type Role = 'admin' | 'support' | 'affiliate' | 'viewer'

/** Who a valid key stands for. keyId is null for the key of the ADMIN_KEY setting. */
export type Principal = { role: Role; keyId: string | null; name: string }
