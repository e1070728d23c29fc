namespace TorchSharp;

/// <summary>The stack of scopes of one thread, and what was counted on it.</summary>
public class DisposeScopeManager
{
    [ThreadStatic] private static DisposeScopeManager _ofThread;

    internal static DisposeScopeManager ThreadSingleton => _ofThread ??= new DisposeScopeManager();

    public static ThreadDisposeScopeStatistics Statistics => ThreadSingleton.Counts;

    internal ThreadDisposeScopeStatistics Counts { get; } = new();

    internal DisposeScope CurrentDisposeScope { get; private set; }

    internal DisposeScope NewDisposeScope() => CurrentDisposeScope = new DisposeScope(this, CurrentDisposeScope);

    /// <summary>Enters a new tensor into the innermost scope, which is then its owner.</summary>
    internal void Register(torch.Tensor item)
    {
        if (CurrentDisposeScope is null)
        {
            Counts.CreatedOutsideScopeCount++;
            return;
        }
        Counts.CreatedInScopeCount++;
        CurrentDisposeScope.Link(item);
    }

    internal void Disposing(torch.Tensor item) => Disposing(item.OwningDisposeScope);

    internal void Disposing(DisposeScope owner)
    {
        if (owner is null)
            Counts.DisposedOutsideScopeCount++;
        else
            Counts.DisposedInScopeCount++;
    }

    /// <summary>Takes a scope out of the stack, wherever it stands: scopes need not end in the order of their nesting.</summary>
    internal void Remove(DisposeScope ended)
    {
        if (ReferenceEquals(CurrentDisposeScope, ended))
        {
            CurrentDisposeScope = ended.OuterScope;
            return;
        }
        for (DisposeScope scope = CurrentDisposeScope; scope is not null; scope = scope.OuterScope)
            if (ReferenceEquals(scope.OuterScope, ended))
            {
                scope.OuterScope = ended.OuterScope;
                return;
            }
    }
}
