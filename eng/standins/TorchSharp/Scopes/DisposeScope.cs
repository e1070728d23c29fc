namespace TorchSharp;

/// <summary>Owns the tensors that a thread makes until the scope ends, and disposes those that were not moved out.</summary>
public sealed class DisposeScope : IDisposable
{
    private DisposeScopeManager _manager;
    private torch.Tensor _first, _last; // what it owns: a list threaded through the tensors themselves
    private int _count;

    internal DisposeScope(DisposeScopeManager manager, DisposeScope outer) => (_manager, OuterScope) = (manager, outer);

    internal DisposeScope OuterScope { get; set; }

    public IReadOnlyList<IDisposable> DisposablesView
    {
        get
        {
            List<IDisposable> view = new(DisposablesCount);
            for (torch.Tensor tensor = Open()._first; tensor is not null; tensor = tensor.NextInScope)
                view.Add(tensor);
            return view;
        }
    }

    public int DisposablesCount => Open()._count;

    public bool Contains(IDisposable disposable) => disposable is torch.Tensor tensor && ReferenceEquals(tensor.OwningDisposeScope, this);

    public T MoveToOuter<T>(T disposable) where T : IDisposable => MoveToOther(OuterScope, disposable);

    public (T1 first, T2 second) MoveToOuter<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable =>
        MoveToOther(OuterScope, first, second);

    public (T1 first, T2 second, T3 third) MoveToOuter<T1, T2, T3>(T1 first, T2 second, T3 third) where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable =>
        MoveToOther(OuterScope, first, second, third);

    public void MoveToOuter(params IDisposable[] disposables) => MoveToOther(OuterScope, (IEnumerable<IDisposable>)disposables);

    public void MoveToOuter(IEnumerable<IDisposable> disposables) => MoveToOther(OuterScope, disposables);

    public T MoveToOther<T>(DisposeScope scope, T disposable) where T : IDisposable
    {
        Open().Move(scope, disposable);
        return disposable;
    }

    public (T1 first, T2 second) MoveToOther<T1, T2>(DisposeScope scope, T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable =>
        (MoveToOther(scope, first), MoveToOther(scope, second));

    public (T1 first, T2 second, T3 third) MoveToOther<T1, T2, T3>(DisposeScope scope, T1 first, T2 second, T3 third) where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable =>
        (MoveToOther(scope, first), MoveToOther(scope, second), MoveToOther(scope, third));

    public void MoveToOther(DisposeScope scope, params IDisposable[] disposables) => MoveToOther(scope, (IEnumerable<IDisposable>)disposables);

    public void MoveToOther(DisposeScope scope, IEnumerable<IDisposable> disposables)
    {
        Open();
        foreach (IDisposable disposable in disposables)
            Move(scope, disposable);
    }

    public T Detach<T>(T disposable) where T : IDisposable => MoveToOther(null, disposable);

    public (T1 first, T2 second) Detach<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable => MoveToOther(null, first, second);

    public (T1 first, T2 second, T3 third) Detach<T1, T2, T3>(T1 first, T2 second, T3 third) where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable =>
        MoveToOther(null, first, second, third);

    public void Detach(params IDisposable[] disposables) => MoveToOther(null, (IEnumerable<IDisposable>)disposables);

    public void Detach(IEnumerable<IDisposable> disposables) => MoveToOther(null, disposables);

    public void Attach(IDisposable disposable) => Attach((IEnumerable<IDisposable>)[disposable]);

    public void Attach(params IDisposable[] disposables) => Attach((IEnumerable<IDisposable>)disposables);

    public IReadOnlyList<IDisposable> Attach(IEnumerable<IDisposable> disposables)
    {
        Open();
        List<IDisposable> attached = [.. disposables];
        foreach (IDisposable disposable in attached)
            if (Take(disposable))
                _manager.Counts.AttachedToScopeCount++;
        return attached;
    }

    public void DisposeEverything()
    {
        Open();
        while (_first is { } tensor)
        {
            tensor.Dispose();
            if (ReferenceEquals(tensor, _first)) // it had lost its native tensor before
                Unlink(tensor);
        }
    }

    public T DisposeEverythingBut<T>(T keep) where T : IDisposable
    {
        DisposeEverythingBut((IEnumerable<IDisposable>)[keep]);
        return keep;
    }

    public (T1 first, T2 second) DisposeEverythingBut<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable
    {
        DisposeEverythingBut((IEnumerable<IDisposable>)[first, second]);
        return (first, second);
    }

    public (T1 first, T2 second, T3 third) DisposeEverythingBut<T1, T2, T3>(T1 first, T2 second, T3 third) where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable
    {
        DisposeEverythingBut((IEnumerable<IDisposable>)[first, second, third]);
        return (first, second, third);
    }

    public void DisposeEverythingBut(params IDisposable[] keep) => DisposeEverythingBut((IEnumerable<IDisposable>)keep);

    /// <summary>What is kept belongs to this scope afterwards, wherever it was before.</summary>
    public void DisposeEverythingBut(IEnumerable<IDisposable> inKeep)
    {
        Open();
        torch.Tensor[] kept = inKeep.OfType<torch.Tensor>().ToArray();
        foreach (torch.Tensor tensor in kept)
            tensor.OwningDisposeScope?.Unlink(tensor);
        DisposeEverything();
        foreach (torch.Tensor tensor in kept)
            if (tensor.OwningDisposeScope is null)
                Link(tensor);
    }

    public void MarkAsDisposed(IDisposable disposable)
    {
        Open();
        if (disposable is torch.Tensor tensor && ReferenceEquals(tensor.OwningDisposeScope, this))
            Unlink(tensor);
    }

    public void Dispose()
    {
        if (_manager is null)
            return;
        DisposeEverything();
        _manager.Remove(this);
        _manager = null;
    }

    /// <summary>Becomes the owner of a tensor that has none.</summary>
    internal void Link(torch.Tensor tensor)
    {
        tensor.OwningDisposeScope = this;
        tensor.PreviousInScope = _last;
        if (_last is null)
            _first = tensor;
        else
            _last.NextInScope = tensor;
        _last = tensor;
        _count++;
    }

    internal void Unlink(torch.Tensor tensor)
    {
        (torch.Tensor previous, torch.Tensor next) = (tensor.PreviousInScope, tensor.NextInScope);
        if (previous is null)
            _first = next;
        else
            previous.NextInScope = next;
        if (next is null)
            _last = previous;
        else
            next.PreviousInScope = previous;
        tensor.OwningDisposeScope = null;
        tensor.PreviousInScope = tensor.NextInScope = null;
        _count--;
    }

    private DisposeScope Open() => _manager is null ? throw new ObjectDisposedException(GetType().FullName) : this;

    /// <summary>Hands over what this scope owns, and leaves alone what it does not.</summary>
    private void Move(DisposeScope scope, IDisposable disposable)
    {
        if (disposable is not torch.Tensor tensor || !ReferenceEquals(tensor.OwningDisposeScope, this) || ReferenceEquals(scope, this))
            return;
        Unlink(tensor);
        if (scope is null)
            _manager.Counts.DetachedFromScopeCount++;
        else
            scope.Link(tensor);
    }

    private bool Take(IDisposable disposable)
    {
        if (disposable is not torch.Tensor tensor)
            throw new InvalidOperationException("DisposeScope can only manage Tensor or PackedSequence");
        if (ReferenceEquals(tensor.OwningDisposeScope, this))
            return false;
        tensor.OwningDisposeScope?.Unlink(tensor);
        Link(tensor);
        return true;
    }
}

public static partial class torch
{
    public static DisposeScope CurrentDisposeScope => DisposeScopeManager.ThreadSingleton.CurrentDisposeScope;

    public static DisposeScope NewDisposeScope() => DisposeScopeManager.ThreadSingleton.NewDisposeScope();

    public static Tensor WrappedTensorDisposeScope(Func<Tensor> expr)
    {
        using DisposeScope scope = NewDisposeScope();
        return expr().MoveToOuterDisposeScope();
    }
}
