// Package workers runs tasks on a bounded number of goroutines, from a bounded
// queue.
//
//	p, err := workers.New(&workers.Options{Workers: 8, Queue: 100})
//	if err != nil {
//		return err
//	}
//	defer p.Close(ctx)
//	err = p.Submit(ctx, func() { resize(picture) })
//
// [Pool.Submit] is for tasks without a result. [Go] gives a [Future] of one
// result. [Pool.Group] collects the first error of several tasks and ends the
// others' context.
//
// # Guarantees
//
//   - Tasks start in the order in which they were submitted; who waits for room in
//     the queue is served in order of arrival.
//   - An accepted task runs. Close waits for all of them.
//   - A panic of a task, and runtime.Goexit in it, costs neither the process nor a
//     worker: it becomes a [*PanicError], which Future.Wait and Group.Wait return,
//     and Close for tasks of Submit where no OnPanic is set.
//
// # Limits
//
// A task that submits to its own pool and waits for the result can block for
// ever, when all workers do the same.
package workers
