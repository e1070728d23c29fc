using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpStandIn.Tests;

[TestClass]
public sealed class ScopeTests
{
    [TestMethod]
    public void A_scope_disposes_what_was_made_in_it()
    {
        Tensor kept, lost;
        using (DisposeScope scope = NewDisposeScope())
        {
            Assert.AreSame(scope, CurrentDisposeScope);
            lost = ones(2);
            kept = (lost + 1).DetachFromDisposeScope();
            Assert.AreEqual(1, scope.DisposablesCount);
            Assert.IsTrue(scope.Contains(lost));
        }
        Assert.IsNull(CurrentDisposeScope);
        Assert.IsTrue(lost.IsInvalid);
        Check.Values(kept, 2, 2);
        kept.Dispose();
    }

    [TestMethod]
    public void Results_move_to_the_outer_scope()
    {
        using DisposeScope outer = NewDisposeScope();
        Tensor moved, other;
        using (DisposeScope inner = NewDisposeScope())
        {
            moved = ones(1).MoveToOuterDisposeScope();
            other = inner.MoveToOther(outer, ones(1));
            ones(1);
            Assert.AreEqual(1, inner.DisposablesCount);
        }
        Assert.IsFalse(moved.IsInvalid || other.IsInvalid);
        Assert.IsTrue(outer.Contains(moved) && outer.Contains(other));
        outer.DisposeEverythingBut(other);
        Assert.IsTrue(moved.IsInvalid);
        Assert.AreEqual(1, outer.DisposablesCount);
    }

    [TestMethod]
    public void The_outermost_scope_moves_out_to_nobody()
    {
        Tensor free;
        using (NewDisposeScope())
            free = ones(1).MoveToOuterDisposeScope();
        Assert.IsFalse(free.IsInvalid);
        using (DisposeScope scope = NewDisposeScope())
            scope.Attach(free);
        Assert.IsTrue(free.IsInvalid);
    }

    [TestMethod]
    public void Scopes_may_end_in_any_order()
    {
        DisposeScope outer = NewDisposeScope(), inner = NewDisposeScope();
        outer.Dispose();
        Assert.AreSame(inner, CurrentDisposeScope);
        inner.Dispose();
        Assert.IsNull(CurrentDisposeScope);
        inner.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => _ = inner.DisposablesCount);
    }

    [TestMethod]
    public void Statistics_count_by_thread()
    {
        ThreadDisposeScopeStatistics counts = null!;
        Exception? thrown = null;
        Thread thread = new(() =>
        {
            try
            {
                counts = DisposeScopeManager.Statistics;
                Tensor outside = ones(1);
                using (NewDisposeScope())
                {
                    ones(1);
                    ones(1).Dispose();
                    ones(1).DetachFromDisposeScope();
                    Assert.AreEqual(3, counts.CreatedInScopeCount);
                    Assert.AreEqual(1, counts.DisposedInScopeCount);
                }
                Assert.AreEqual(2, counts.DisposedInScopeCount);
                Assert.AreEqual(1, counts.DetachedFromScopeCount);
                Assert.AreEqual(1, counts.CreatedOutsideScopeCount);
                Assert.AreEqual(2, counts.ThreadTotalLiveCount);
                GC.KeepAlive(outside);
            }
            catch (Exception e)
            {
                thrown = e;
            }
        });
        thread.Start();
        thread.Join();
        Assert.IsNull(thrown, thrown?.Message);
        Assert.AreNotSame(counts, DisposeScopeManager.Statistics);
    }

    [TestMethod]
    public void Nothing_stays_alive_after_a_step()
    {
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount, total = Tensor.TotalCount;
        using (NewDisposeScope())
        {
            Tensor w = randn(3, 3, requires_grad: true);
            Tensor loss = (w.matmul(w).softmax(-1)[.., ..1] / 2).log().sum();
            loss.backward();
            (_, Tensor places) = w.grad.max(1);
            w.detach().index_put_(0.0, TensorIndex.Tensor(places.detach())).Equals(w);
        }
        Assert.AreEqual(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        Assert.AreEqual(total, Tensor.TotalCount);
    }

    [TestMethod]
    public void Disposed_tensors_refuse_every_use()
    {
        Tensor gone = ones(2), other = ones(2);
        gone.Dispose();
        gone.Dispose();
        Assert.IsTrue(gone.IsInvalid);
        Assert.ThrowsExactly<InvalidOperationException>(() => _ = gone + other);
        Assert.ThrowsExactly<InvalidOperationException>(() => other.add_(gone));
        Assert.ThrowsExactly<InvalidOperationException>(() => _ = gone.shape);
        Assert.ThrowsExactly<InvalidOperationException>(() => cat([other, gone]));
        Assert.ThrowsExactly<InvalidOperationException>(() => gone.backward());
        Assert.ThrowsExactly<InvalidOperationException>(() => _ = gone.bytes.Length);
        Assert.ThrowsExactly<InvalidOperationException>(() => _ = gone.requires_grad);
        other.Dispose();
    }

    [TestMethod]
    public void Errors_of_libtorch_keep_their_message()
    {
        using DisposeScope scope = NewDisposeScope();
        StringAssert.Contains(Assert.ThrowsExactly<ExternalException>(() => ones(2, 3).matmul(ones(2, 3))).Message, "cannot be multiplied (2x3 and 2x3)");
        StringAssert.Contains(Assert.ThrowsExactly<ExternalException>(() => ones(2).view(3)).Message, "is invalid for input of size 2");
        StringAssert.Contains(Assert.ThrowsExactly<ExternalException>(() => ones(2).sum().backward()).Message, "does not require grad");
        Assert.ThrowsExactly<ExternalException>(() => einsum("ij,jk", ones(2), ones(2)));
        Assert.IsFalse(cuda.is_available() && cuda.device_count() == 0);
    }

    [TestMethod]
    public void Collected_tensors_give_their_memory_back()
    {
        long before = Tensor.TotalCount;
        MakeGarbage();
        for (int k = 0; k < 10 && Tensor.TotalCount > before; k++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.IsTrue(Tensor.TotalCount <= before);

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static void MakeGarbage()
        {
            for (int k = 0; k < 100; k++)
                ones(1000);
        }
    }

    [TestMethod]
    public void Operands_survive_a_collector_that_runs_all_the_time()
    {
        bool stop = false;
        Thread collector = new(() =>
        {
            while (!Volatile.Read(ref stop))
                GC.Collect(0);
        });
        collector.Start();
        try
        {
            for (int k = 0; k < 2000; k++)
                Assert.AreEqual(64f, matmul(ones(4, 4), ones(4, 4)).sum().item<float>());
        }
        finally
        {
            Volatile.Write(ref stop, true);
            collector.Join();
        }
    }
}
