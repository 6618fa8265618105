package fleet

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A card is a GPU that is sold under a name.
type card struct {
	name      string  // as a person writes it, "RTX 3090"
	memory    float64 // GiB
	bandwidth float64 // of its memory, GB/s
}

// cards are NVIDIA's, by their makers' data sheets. Where one name is sold with
// several memories, the most common has the name alone.
var cards = []card{
	{"GTX 1070", 8, 256}, {"GTX 1070 Ti", 8, 256}, {"GTX 1080", 8, 320}, {"GTX 1080 Ti", 11, 484},
	{"RTX 2060", 6, 336}, {"RTX 2070", 8, 448}, {"RTX 2080", 8, 448}, {"RTX 2080 Ti", 11, 616}, {"Titan RTX", 24, 672},
	{"RTX 3050", 8, 224}, {"RTX 3060", 12, 360}, {"RTX 3060 Ti", 8, 448}, {"RTX 3070", 8, 448}, {"RTX 3070 Ti", 8, 608},
	{"RTX 3080", 10, 760}, {"RTX 3080 12G", 12, 912}, {"RTX 3080 Ti", 12, 912}, {"RTX 3090", 24, 936}, {"RTX 3090 Ti", 24, 1008},
	{"RTX 4060", 8, 272}, {"RTX 4060 Ti", 8, 288}, {"RTX 4060 Ti 16G", 16, 288}, {"RTX 4070", 12, 504}, {"RTX 4070 Super", 12, 504},
	{"RTX 4070 Ti", 12, 504}, {"RTX 4070 Ti Super", 16, 672}, {"RTX 4080", 16, 717}, {"RTX 4080 Super", 16, 736}, {"RTX 4090", 24, 1008},
	{"RTX 5060", 8, 448}, {"RTX 5060 Ti", 16, 448}, {"RTX 5060 Ti 8G", 8, 448}, {"RTX 5070", 12, 672}, {"RTX 5070 Ti", 16, 896},
	{"RTX 5080", 16, 960}, {"RTX 5090", 32, 1792},
	{"RTX A2000", 12, 288}, {"RTX A4000", 16, 448}, {"RTX A4500", 20, 640}, {"RTX A5000", 24, 768}, {"RTX A5500", 24, 768}, {"RTX A6000", 48, 768},
	{"RTX 2000 Ada", 16, 224}, {"RTX 4000 Ada", 20, 360}, {"RTX 4500 Ada", 24, 432}, {"RTX 5000 Ada", 32, 576}, {"RTX 6000 Ada", 48, 960},
	{"RTX Pro 4000", 24, 672}, {"RTX Pro 4500", 32, 896}, {"RTX Pro 5000", 48, 1344}, {"RTX Pro 6000", 96, 1792},
	{"P40", 24, 347}, {"P100", 16, 732}, {"V100", 16, 900}, {"V100 32G", 32, 900}, {"T4", 16, 320},
	{"A2", 16, 200}, {"A10", 24, 600}, {"A30", 24, 933}, {"A40", 48, 696}, {"A100", 80, 2039}, {"A100 40G", 40, 1555},
	{"L4", 24, 300}, {"L40", 48, 864}, {"L40S", 48, 864},
	{"H100", 80, 3350}, {"H100 PCIe", 80, 2039}, {"H100 NVL", 94, 3938}, {"H200", 141, 4800}, {"GH200", 96, 4000}, {"B200", 180, 8000},
}

var (
	makers   = regexp.MustCompile(`nvidia|geforce|quadro|tesla|rtx|gtx|[ _-]`)
	gigabyte = regexp.MustCompile(`(\d+)(?:gib|gb)$`)
)

// plain is a card's name as it is compared: "rtx-3090", "NVIDIA GeForce RTX 3090"
// and "3090" are one, and so are "a100-80gb" and "a100-80g".
func plain(name string) string {
	name = makers.ReplaceAllString(strings.ToLower(name), "")
	return gigabyte.ReplaceAllString(name, "${1}g")
}

// cardNamed finds a card, whose memory may be said: "a100-80g".
func cardNamed(name string) (card, bool) {
	name = plain(name)
	i := slices.IndexFunc(cards, func(c card) bool {
		return name == plain(c.name) || name == plain(c.name)+strconv.FormatFloat(c.memory, 'f', -1, 64)+"g"
	})
	if i < 0 {
		return card{}, false
	}
	return cards[i], true
}

// CardNames are the cards that a plan knows by name, as --gpus takes them:
// "3090", "a100-40g".
func CardNames() []string {
	var names []string
	for _, c := range cards {
		name := strings.ToLower(strings.ReplaceAll(c.name, " ", "-"))
		names = append(names, strings.TrimPrefix(strings.TrimPrefix(name, "rtx-"), "gtx-"))
	}
	return names
}
