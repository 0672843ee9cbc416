package kvstore

import "strings"

// A savePoint asks for a snapshot after a time, if there were so many changes.
type savePoint struct{ seconds, changes int64 }

// setSavePoints reads pairs of seconds and changes.
func (db *DB) setSavePoints(v string) (string, error) {
	words := strings.Fields(v)
	points := make([]savePoint, 0, len(words)/2)
	for i := 0; i+1 < len(words); i += 2 {
		seconds, ok1 := parseInt([]byte(words[i]))
		changes, ok2 := parseInt([]byte(words[i+1]))
		if !ok1 || !ok2 || seconds < 1 || changes < 0 {
			return "", configError("Invalid save parameters")
		}
		points = append(points, savePoint{seconds, changes})
	}
	if len(words)%2 != 0 {
		return "", configError("Invalid save parameters")
	}
	db.conf.savePoints.Store(&points)
	return strings.Join(words, " "), nil
}

const retrySave = 5 // seconds after a failure

// careForSnapshot writes the snapshot file when a save point asks for it.
func (db *DB) careForSnapshot() {
	if db.dir == "" || db.saves.running.Load() {
		return
	}
	now, changes := db.now().Unix(), db.stats.dirty.Load()
	if db.saves.failed.Load() && now-db.saves.tried.Load() < retrySave {
		return
	}
	for _, p := range *db.conf.savePoints.Load() {
		if changes >= p.changes && now-db.saves.at.Load() > p.seconds {
			db.logger.Info("saving", "changes", changes, "seconds", p.seconds)
			_ = db.saveSoon() // SAVE may have come first
			return
		}
	}
}
