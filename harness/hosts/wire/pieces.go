package wire

// Headers of the messages that answer what an agent is asked.
const (
	PieceKind   = "Perg-Piece"
	PieceNumber = "Perg-Number" // from 0: a gap is a loss; of the end, how many there were
	// PieceWorking says that it goes on; PieceEnd that nothing more comes, with the
	// fault that ended it, if there was one.
	PieceWorking = "working"
	PieceEnd     = "end"
)
