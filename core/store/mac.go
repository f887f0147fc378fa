package store

// MAC makes keyed digests under the state's key: the method of a [Store].
type MAC func(purpose string, data ...[]byte) []byte
