package app

import "matrixos/app/internal/store"

func storeQuery() store.Query { return store.Query{} }
