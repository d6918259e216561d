libpostern_a_SOURCES += \
	include/spool/content.h src/spool/content.c \
	include/spool/spool.h src/spool/spool.c src/spool/spool_priv.h \
	src/spool/again.c src/spool/chain.c \
	src/spool/commit.c \
	src/spool/damaged.c src/spool/damaged_priv.h \
	src/spool/content_file.c src/spool/content_file_priv.h \
	src/spool/direct.c \
	src/spool/disk.c src/spool/disk_priv.h \
	src/spool/entry.c \
	src/spool/fetch.c \
	src/spool/group.c src/spool/group_priv.h \
	src/spool/home_priv.h \
	src/spool/index.c src/spool/index_priv.h \
	include/spool/offline.h src/spool/inspect.c \
	src/spool/journal.c src/spool/journal_priv.h \
	src/spool/keeper.c src/spool/keeper_priv.h \
	src/spool/le_priv.h \
	src/spool/mem.c \
	src/spool/news.c \
	src/spool/older.c \
	src/spool/read.c \
	src/spool/reclaim.c \
	src/spool/record.c src/spool/record_priv.h \
	src/spool/loader.c src/spool/loader_priv.h \
	src/spool/recover.c src/spool/recover_priv.h \
	src/spool/replay.c \
	src/spool/roll.c \
	src/spool/rows.c src/spool/rows_priv.h \
	src/spool/segment.c src/spool/segment_priv.h \
	src/spool/segments_priv.h \
	src/spool/space.c src/spool/space_priv.h \
	src/spool/whole.c src/spool/whole_priv.h \
	src/spool/words.c \
	src/spool/write.c
