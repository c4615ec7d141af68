package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"
)

// The command line of program.ts, and what all cases use. A case panics with a failure where the server does not do as it should.

type failure struct{ why string }

func fail(format string, args ...any) {
	panic(failure{fmt.Sprintf(format, args...)})
}

func must(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func get[T any](value T, err error) T {
	must(err)
	return value
}

func equal(got, expected any) {
	if !reflect.DeepEqual(got, expected) {
		fail("%.500v is not %.500v", got, expected)
	}
}

func until(what string, done func() bool, state func() any) {
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			fail("%s: not within a minute; there is %.500v", what, state())
		}
	}
}

func minute() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	context.AfterFunc(ctx, cancel)
	return ctx
}

func unique(name string) string {
	bytes := make([]byte, 4)
	rand.Read(bytes)
	return name + "-" + hex.EncodeToString(bytes)
}

type testCase struct {
	name string
	run  func(bootstrap, parameter string)
}

func runCases(cases []testCase) {
	if os.Args[1] == "--list" {
		for _, one := range cases {
			fmt.Println(one.name)
		}
		return
	}
	for _, full := range os.Args[2:] {
		name, parameter, _ := strings.Cut(full, ":")
		for _, one := range cases {
			if one.name != name {
				continue
			}
			if why := runCase(one, os.Args[1], parameter); why == "" {
				fmt.Printf("PASS %s\n", full)
			} else {
				fmt.Printf("FAIL %s: %s\n", full, strings.ReplaceAll(why, "\n", " "))
			}
		}
	}
}

func runCase(one testCase, bootstrap, parameter string) (why string) {
	defer func() {
		switch thrown := recover().(type) {
		case nil:
		case failure:
			why = thrown.why
		default:
			panic(thrown)
		}
	}()
	one.run(bootstrap, parameter)
	return ""
}

// Asks for kill -9 and a new start of the server; the channel is closed when it is back.
func restartServer() <-chan struct{} {
	back := make(chan struct{})
	fmt.Println("RESTART")
	go func() {
		bufio.NewReader(os.Stdin).ReadString('\n')
		close(back)
	}()
	return back
}
