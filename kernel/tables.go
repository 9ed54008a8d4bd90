package kernel

// tables are the kernel's own, beside the journal.
var tables = []string{
	`CREATE TABLE kernel_process (
		pid INTEGER PRIMARY KEY AUTOINCREMENT,
		state TEXT NOT NULL,
		row TEXT NOT NULL
	) STRICT`,
	`CREATE INDEX kernel_process_state ON kernel_process(state)`,
	`CREATE TABLE kernel_fired (
		job TEXT NOT NULL,
		occurrence TEXT NOT NULL,
		PRIMARY KEY (job, occurrence)
	) STRICT`,
	// What a process needs to be taken up again after a crash; see memo.
	`ALTER TABLE kernel_process ADD COLUMN memo TEXT NOT NULL DEFAULT '{}'`,
	// Calls under way; a row goes when its result is in the conversation.
	`CREATE TABLE kernel_call (
		pid INTEGER NOT NULL,
		id TEXT NOT NULL,
		ended INTEGER NOT NULL,
		failed INTEGER NOT NULL,
		result TEXT NOT NULL,
		PRIMARY KEY (pid, id)
	) STRICT, WITHOUT ROWID`,
	// What the owner said to a process at work; a row goes when it is in the conversation.
	`CREATE TABLE kernel_steer (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		pid INTEGER NOT NULL,
		text TEXT NOT NULL
	) STRICT`,
	// Questions to the owner; a row goes with its process.
	`CREATE TABLE kernel_question (
		id TEXT PRIMARY KEY,
		pid INTEGER NOT NULL,
		call TEXT NOT NULL,
		answered INTEGER NOT NULL,
		answer TEXT NOT NULL
	) STRICT, WITHOUT ROWID`,
	`CREATE INDEX kernel_question_pid ON kernel_question(pid, call)`,
	// Lines of conversations that may not have reached the disk as files.
	`CREATE TABLE kernel_line (
		seq INTEGER PRIMARY KEY AUTOINCREMENT,
		conversation TEXT NOT NULL,
		id TEXT NOT NULL,
		line TEXT NOT NULL
	) STRICT`,
	`CREATE INDEX kernel_line_conversation ON kernel_line(conversation)`,
	`CREATE TABLE kernel_ledger (
		day TEXT NOT NULL,
		pid INTEGER NOT NULL,
		model TEXT NOT NULL,
		program TEXT NOT NULL,
		app TEXT NOT NULL,
		request TEXT NOT NULL,
		requests INTEGER NOT NULL,
		input INTEGER NOT NULL,
		output INTEGER NOT NULL,
		cache_read INTEGER NOT NULL,
		cache_write INTEGER NOT NULL,
		usd REAL NOT NULL,
		estimated INTEGER NOT NULL,
		PRIMARY KEY (day, pid, model)
	) STRICT, WITHOUT ROWID`,
	`CREATE INDEX kernel_ledger_request ON kernel_ledger(request)`,
	`CREATE TABLE kernel_meta (
		key TEXT PRIMARY KEY,
		value TEXT NOT NULL
	) STRICT, WITHOUT ROWID`,
}
