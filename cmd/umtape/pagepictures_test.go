package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestPicturesOfThePage holds the pictures that README has to what they may be. With
// UMTAPE_PICTURES=1 it makes them anew.
func TestPicturesOfThePage(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	pictures := filepath.Join(root, "testdata", "pictures")
	if os.Getenv("UMTAPE_PICTURES") != "" {
		makePictures(t, pictures)
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadDir(pictures)
	if err != nil || len(list) != 3 {
		t.Errorf("%d pictures in %s, %v", len(list), pictures, err)
	}
	for _, f := range list {
		data, err := os.ReadFile(filepath.Join(pictures, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.DecodeConfig(bytes.NewReader(data)); err != nil {
			t.Errorf("%s: %v", f.Name(), err)
		}
		if len(data) >= 80_000 {
			t.Errorf("%s has %d bytes, which is much to fetch with a repository", f.Name(), len(data))
		}
		if !strings.Contains(string(readme), "](testdata/pictures/"+f.Name()+")") {
			t.Errorf("README does not show %s", f.Name())
		}
	}
}

func makePictures(t *testing.T, dir string) {
	t.Helper()
	t.Chdir(t.TempDir()) // the page has the name of the cassette as it was given
	m := makeCalls(t, "calls.yaml")
	const ms = time.Millisecond
	for call := range 4 {
		m.start(700*ms, call)
		m.poll(200*ms, call, "Connecting", "None")
		m.poll(500*ms, call, "Alerted", "None")
		m.poll(200*ms, call, "Connected", "None")
		if call == 1 {
			m.poll(600*ms, call, "Disconnected", "UserBusy")
			continue
		}
		m.start(300*ms, call+10)
		m.poll(300*ms, call+10, "Connected", "None")
		m.poll(300*ms, call, "Connected", "None")
		m.end(900*ms, call)
		if call == 2 {
			m.refuse(300*ms, 9)
		}
		if call != 3 {
			m.end(400*ms, call+10)
		}
	}
	m.close()
	ctx := browser(t)
	page := browsed(t, "calls.yaml")
	do(t, ctx, chromedp.EmulateViewport(960, 520), chromedp.Navigate(page.Link()))
	until(t, ctx, `Number(document.documentElement.dataset.loaded) > 20`)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	take := func(name string) {
		t.Helper()
		do(t, ctx, chromedp.Sleep(300*time.Millisecond))
		data, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		var small bytes.Buffer
		if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, fewColours(picture)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), small.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	take("list.png")
	do(t, ctx, chromedp.EmulateViewport(1200, 700))
	typeFilter(t, ctx, "fault")
	script(t, ctx, `document.querySelector('.row:not([hidden])').click()`)
	until(t, ctx, `document.querySelectorAll('#exchange .side').length >= 2`)
	script(t, ctx, `document.querySelector('#exchange .side').scrollIntoView()`)
	take("exchange.png")
	do(t, ctx, chromedp.EmulateViewport(960, 520))
	press(t, ctx, "Escape")
	typeFilter(t, ctx, "")
	script(t, ctx, `location.hash = '#v=calls'`)
	until(t, ctx, `document.querySelectorAll('.lane:not([hidden])').length > 5`)
	take("calls.png")
}

// fewColours draws a picture with its 128 most frequent colours, which is enough for text.
func fewColours(from image.Image) image.Image {
	counts := map[color.RGBA]int{}
	box := from.Bounds()
	at := func(x, y int) color.RGBA {
		r, g, b, _ := from.At(x, y).RGBA()
		coarse := func(v uint32) uint8 { return uint8(min(255, (v>>8+2)/4*4)) }
		return color.RGBA{coarse(r), coarse(g), coarse(b), 255}
	}
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			counts[at(x, y)]++
		}
	}
	most := slices.SortedFunc(maps.Keys(counts), func(a, b color.RGBA) int { return counts[b] - counts[a] })
	var palette color.Palette
	for _, c := range most[:min(len(most), 128)] {
		palette = append(palette, c)
	}
	to := image.NewPaletted(box, palette)
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			to.Set(x, y, at(x, y))
		}
	}
	return to
}
